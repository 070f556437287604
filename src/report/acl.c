/* acl.c - what the permissions of an ACL rule are for. */
#include <jansson.h>

#include "rop/report.h"

void rop_report_acl(enum rop_acl acl, struct rop_text *out)
{
	for (int p = 0; p < ROP_PERMISSIONS_N; p++)
		if (rop_permission_is_of((enum rop_permission)p, acl))
			rop_text_add(out, "  %-26s to %s\n", rop_permission_name((enum rop_permission)p),
				     rop_permission_doc((enum rop_permission)p));
}

json_t *rop_report_acl_json(enum rop_acl acl, const char *user, const char *rule)
{
	json_t *list = json_array();
	for (int p = 0; p < ROP_PERMISSIONS_N; p++)
		if (rop_permission_is_of((enum rop_permission)p, acl))
			json_array_append_new(list, json_pack("{s:s, s:s}", "command",
							      rop_permission_name((enum rop_permission)p), "for",
							      rop_permission_doc((enum rop_permission)p)));
	return json_pack("{s:s, s:s, s:s, s:o}", "acl", rop_acl_name(acl), "user", user, "rule", rule, "permissions",
			 list);
}
