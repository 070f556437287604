/* stopping.c - who says that it is over: a signal, or a file that is there. */
#include "stopping.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t signalled;
static const char *stop_file;

static void note(int number)
{
	(void)number;
	signalled = 1;
}

void stopping_begin(const char *file)
{
	struct sigaction action = { .sa_handler = note };
	stop_file = file;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

bool stopping(void)
{
	return signalled || (stop_file && access(stop_file, F_OK) == 0);
}
