/* demo_text.c - the files of a demo: six servers on this machine, and the topology that makes a cluster of them. */
#include "rop/report.h"

void rop_demo_topology(int first_port, int servers, struct rop_text *out)
{
	rop_text_add(out, "# written by redis-operator demo up: three shards with one replica each\n"
			  "apiVersion: redis-operator/v1\nkind: RedisCluster\nmetadata:\n  name: demo\nspec:\n"
			  "  shards: 3\n  replicasPerShard: 1\n"
			  "  onTotalLoss: Reform   # demo down deletes all of it; demo up may come again\n"
			  "  nodes:\n");
	for (int i = 0; i < servers; i++)
		rop_text_add(out, "    - { address: 127.0.0.1:%d }\n", first_port + i);
}

void rop_demo_server(const char *folder, int port, struct rop_text *out)
{
	rop_text_add(out,
		     "# written by redis-operator demo up\n"
		     "bind 127.0.0.1\nport %d\ndir %s\npidfile %s/redis.pid\nlogfile %s/redis.log\n"
		     "daemonize yes\ncluster-enabled yes\ncluster-config-file nodes.conf\n"
		     "cluster-node-timeout 5000\nappendonly no\nsave \"\"\n",
		     port, folder, folder, folder);
}
