/* test_service.c - the service manager's side: a socket that receives what is told, and the journal's fields. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../../src/systemd/journal.h"
#include "rop/service.h"
#include "rop/text.h"

static struct rop_arena *arena;
static char folder[90];
static int manager = -1;

static void setup(void)
{
	const char *tmp = getenv("TMPDIR");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	arena = rop_arena_new();
	snprintf(folder, sizeof folder, "%s/rop-service-XXXXXX", tmp && strlen(tmp) < 50 ? tmp : "/tmp");
	cr_assert_not_null(mkdtemp(folder));
	snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", folder);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(manager, (struct sockaddr *)&address, sizeof address), 0);
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	unsetenv("JOURNAL_STREAM");
}

static void teardown(void)
{
	unlink(getenv("NOTIFY_SOCKET") ? getenv("NOTIFY_SOCKET") : rop_printf(arena, "%s/notify", folder));
	rmdir(folder);
	close(manager);
	rop_arena_free(arena);
}

TestSuite(service, .init = setup, .fini = teardown);

/* The next datagram; "" when there is none. Whoever sent it has returned, so it is there already. */
static const char *heard(void)
{
	static char bytes[8192];
	ssize_t n = recv(manager, bytes, sizeof bytes - 1, MSG_DONTWAIT);
	bytes[n > 0 ? n : 0] = '\0';
	return bytes;
}

Test(service, each_notification_is_one_datagram)
{
	rop_service_ready();
	rop_service_status("cart: Ready; till: Configure (2 of 6 nodes)");
	rop_service_alive();
	rop_service_stopping();
	cr_assert_str_eq(heard(), "READY=1");
	cr_assert_str_eq(heard(), "STATUS=cart: Ready; till: Configure (2 of 6 nodes)");
	cr_assert_str_eq(heard(), "WATCHDOG=1");
	cr_assert_str_eq(heard(), "STOPPING=1");
	cr_assert_str_eq(heard(), "");
}

static int64_t monotonic_usec(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

Test(service, a_reload_says_when)
{
	static const char PREFIX[] = "RELOADING=1\nMONOTONIC_USEC=";
	int64_t before = monotonic_usec(), said;
	rop_service_reloading();
	const char *text = heard();
	cr_assert_eq(strncmp(text, PREFIX, strlen(PREFIX)), 0, "%s", text);
	cr_assert(rop_int_parse(text + strlen(PREFIX), before, monotonic_usec(), &said), "%s", text);
}

Test(service, a_status_is_one_line_of_text_and_no_other_assignment)
{
	rop_service_status("bad\nMAINPID=1\x1b[31m");
	cr_assert_str_eq(heard(), "STATUS=bad MAINPID=1 [31m");
	rop_service_status("k\xc3\xa4se \xff end\xc3");
	cr_assert_str_eq(heard(), "STATUS=k\xc3\xa4se ? end?");
	rop_service_status("");
	cr_assert_str_eq(heard(), "STATUS=");
	static char text[5001];
	for (size_t from = 0; from < 2; from++) { /* two bytes a character: one of them is cut in two */
		memset(text, 'x', sizeof text - 1);
		for (size_t i = from; i + 1 < sizeof text - 1; i += 2)
			memcpy(text + i, "\xc3\xa4", 2);
		rop_service_status(text);
		const char *status = heard();
		size_t bad;
		cr_assert(rop_utf8_valid(status, strlen(status), &bad));
		cr_assert_null(strchr(status, '?'));
		cr_assert(strlen(status) > 1900 && strlen(status) < 4096);
	}
}

Test(service, without_a_manager_nothing_happens)
{
	unsetenv("NOTIFY_SOCKET");
	rop_service_ready();
	rop_service_status("x");
	rop_service_reloading();
	rop_service_alive();
	rop_service_stopping();
	cr_assert_str_eq(heard(), "");
	setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
	rop_service_ready();
	setenv("NOTIFY_SOCKET", "", 1);
	rop_service_ready();
	unsetenv("NOTIFY_SOCKET");
}

Test(service, the_watchdog_is_for_the_process_it_names)
{
	cr_assert_eq(rop_service_watchdog_ms(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	cr_assert_eq(rop_service_watchdog_ms(), 30000);
	setenv("WATCHDOG_PID", rop_printf(arena, "%d", (int)getpid()), 1);
	cr_assert_eq(rop_service_watchdog_ms(), 30000);
	setenv("WATCHDOG_PID", rop_printf(arena, "%d", (int)getppid()), 1);
	cr_assert_eq(rop_service_watchdog_ms(), 0);
	unsetenv("WATCHDOG_PID");
	setenv("WATCHDOG_USEC", "soon", 1);
	cr_assert_eq(rop_service_watchdog_ms(), 0);
	setenv("WATCHDOG_USEC", "500", 1);
	cr_assert_eq(rop_service_watchdog_ms(), 1, "0 would mean that nobody watches");
}

Test(service, the_journal_is_where_stderr_leads)
{
	struct stat st;
	cr_assert_eq(fstat(STDERR_FILENO, &st), 0);
	cr_assert_not(rop_service_has_journal());
	setenv("JOURNAL_STREAM", rop_printf(arena, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino), 1);
	cr_assert(rop_service_has_journal());
	static const char *const OTHERS[] = { "", ":", "1:2", "x" };
	for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++) {
		setenv("JOURNAL_STREAM", OTHERS[i], 1);
		cr_assert_not(rop_service_has_journal(), "%s", OTHERS[i]);
	}
	setenv("JOURNAL_STREAM", rop_printf(arena, "%ju:%ju0", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino), 1);
	cr_assert_not(rop_service_has_journal());
}

static const char *entry(enum rop_log_level level, const char *message, const struct rop_log_field *fields, size_t n)
{
	struct systemd_entry e;
	ROP_OWN_TEXT text = { 0 };
	systemd_entry_of(arena, level, message, fields, n, &e);
	for (size_t i = 0; i < e.fields.n; i++)
		rop_text_add(&text, "%s\n", e.fields.at[i]);
	return rop_strdup(arena, text.at);
}

Test(service, a_transition_has_its_own_fields_and_id)
{
	cr_assert_str_eq(entry(ROP_LOG_INFO, "Verify -> AssignSlots",
			       ROP_FIELDS({ "cluster", "cart" }, { "from", "Verify" }, { "to", "AssignSlots" },
					  { "node", NULL }, { "why", "all 6 views agree" }, { "row", "Verify/2" })),
			 "MESSAGE=Verify -> AssignSlots\nPRIORITY=6\nSYSLOG_IDENTIFIER=redis-operator\n"
			 "MESSAGE_ID=" SYSTEMD_ID_TRANSITION "\nREDIS_CLUSTER=cart\nSTATE_FROM=Verify\nSTATE_TO="
			 "AssignSlots\n"
			 "WHY=all 6 views agree\nROW=Verify/2\n");
}

Test(service, failed_steps_and_errors_have_ids_and_other_facts_have_none)
{
	static const struct {
		enum rop_log_level level;
		const char *status, *id, *priority;
	} CASES[] = {
		{ ROP_LOG_INFO, "refused", SYSTEMD_ID_STEP_FAILED, "6" },
		{ ROP_LOG_INFO, "expired", SYSTEMD_ID_STEP_FAILED, "6" },
		{ ROP_LOG_WARN, NULL, SYSTEMD_ID_STEP_FAILED, "4" },
		{ ROP_LOG_DEBUG, "met", NULL, "7" },
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		const char *text = entry(CASES[i].level, "m",
					 ROP_FIELDS({ "step", "meet" }, { "status", CASES[i].status }));
		const char *id = strstr(text, "MESSAGE_ID=");
		cr_assert_eq(id != NULL, CASES[i].id != NULL);
		cr_assert(!id || strncmp(id + strlen("MESSAGE_ID="), CASES[i].id, 32) == 0, "%s", text);
		cr_assert_not_null(strstr(text, rop_printf(arena, "\nPRIORITY=%s\n", CASES[i].priority)));
		cr_assert_not_null(strstr(text, "\nSTEP=meet\n"));
	}
	cr_assert_not_null(strstr(entry(ROP_LOG_ERROR, "m", NULL, 0), "PRIORITY=3\n"));
	cr_assert_not_null(strstr(entry(ROP_LOG_ERROR, "m", NULL, 0), SYSTEMD_ID_ERROR));
	cr_assert_null(strstr(entry(ROP_LOG_WARN, "m", NULL, 0), "MESSAGE_ID"));
	cr_assert_null(strstr(entry(ROP_LOG_INFO, "m", ROP_FIELDS({ "from", "x" }, { "to", NULL })), "MESSAGE_ID"));
}

/* journald drops a field with another name, in silence. */
Test(service, every_field_has_a_name_that_the_journal_takes)
{
	cr_assert_str_eq(strstr(entry(ROP_LOG_INFO, "m",
				      ROP_FIELDS({ "node", "10.0.0.1:7000" }, { "lag-bytes", "1" }, { "_pid", "2" },
						 { "9", "3" }, { "a.b9", "4" }, { "", "5" }, { "pid", "a\nB=c" })),
				"REDIS_NODE"),
			 "REDIS_NODE=10.0.0.1:7000\nLAG_BYTES=1\nPID=2\nA_B9=4\nPID=a\nB=c\n");
	static char key[100];
	memset(key, 'k', sizeof key - 1);
	const char *name = strstr(entry(ROP_LOG_INFO, "m", ROP_FIELDS({ key, "v" })), "KK");
	cr_assert_eq(strcspn(name, "="), 64);
}

Test(service, the_ids_are_what_systemd_takes_for_ids)
{
	static const char *const IDS[] = { SYSTEMD_ID_TRANSITION, SYSTEMD_ID_STEP_FAILED, SYSTEMD_ID_ERROR };
	for (size_t i = 0; i < sizeof IDS / sizeof *IDS; i++) {
		cr_assert_eq(strspn(IDS[i], "0123456789abcdef"), 32);
		cr_assert_eq(strlen(IDS[i]), 32);
		cr_assert_eq(IDS[i][12], '4', "a random UUID");
		for (size_t k = 0; k < i; k++)
			cr_assert_str_neq(IDS[i], IDS[k]);
	}
}

/* The socket sees what really arrives; where journald runs it is its own. */
Test(service, an_entry_reaches_the_journal)
{
	if (access("/run/systemd/journal/socket", F_OK) != 0 || access("/usr/bin/journalctl", X_OK) != 0)
		cr_skip_test("no journal runs here");
	const char *mark = rop_printf(arena, "test-%d-%lld", (int)getpid(), (long long)monotonic_usec());
	rop_service_journal(ROP_LOG_INFO, "Observe -> Ready",
			    ROP_FIELDS({ "cluster", mark }, { "from", "Observe" }, { "to", "Ready" }));
	const char *command = rop_printf(arena,
					 "journalctl --sync 2>/dev/null; journalctl -q -o cat --output-fields=STATE_TO "
					 "MESSAGE_ID=" SYSTEMD_ID_TRANSITION " REDIS_CLUSTER=%s",
					 mark);
	int64_t deadline = monotonic_usec() + 10000000;
	char line[64] = "";
	while (monotonic_usec() < deadline && !line[0]) { /* journald writes in its own time */
		FILE *f = popen(command, "r");
		if (!f || !fgets(line, sizeof line, f))
			line[0] = '\0';
		if (f)
			pclose(f);
		poll(NULL, 0, 50);
	}
	cr_assert_str_eq(line, "Ready\n");
}
