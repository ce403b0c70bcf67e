/* Every table of routes, one an api_*.c file; each ends with a method of NULL.
 *
 * Owns: nothing; they are constants. Thread: any. */
#ifndef ATOLL_API_TABLES_H
#define ATOLL_API_TABLES_H

#include "api/call.h"

/* Below "/", not /client/v4. */
extern const struct call_route api_server_routes[];
extern const struct call_route api_oauth_routes[];
extern const struct call_route api_oauth_token_routes[];

extern const struct call_route api_script_routes[];
extern const struct call_route api_version_routes[];
extern const struct call_route api_deployment_routes[];
extern const struct call_route api_setting_routes[];
extern const struct call_route api_service_routes[];

extern const struct call_route api_account_routes[];
extern const struct call_route api_asset_routes[];
extern const struct call_route api_audit_routes[];
extern const struct call_route api_domain_routes[];
extern const struct call_route api_grant_routes[];
extern const struct call_route api_invoice_routes[];
extern const struct call_route api_limit_routes[];
extern const struct call_route api_log_routes[];
extern const struct call_route api_route_routes[];
extern const struct call_route api_schedule_routes[];
extern const struct call_route api_secret_routes[];
extern const struct call_route api_status_routes[];
extern const struct call_route api_backup_routes[];
extern const struct call_route api_subdomain_routes[];
extern const struct call_route api_tail_routes[];
extern const struct call_route api_token_routes[];
extern const struct call_route api_usage_routes[];
extern const struct call_route api_user_routes[];
extern const struct call_route api_zone_routes[];

extern const struct call_route api_analytics_routes[];
extern const struct call_route api_kv_routes[];
extern const struct call_route api_kv_value_routes[];
extern const struct call_route api_d1_routes[];
extern const struct call_route api_r2_routes[];
extern const struct call_route api_r2_object_routes[];
extern const struct call_route api_r2_domain_routes[];
extern const struct call_route api_r2_cors_routes[];
extern const struct call_route api_purge_routes[];
extern const struct call_route api_parcel_routes[];
extern const struct call_route api_storage_routes[];

/* Handlers whose bodies may be longer than a call holds, and what runs instead, with the head only
 * (call_watch()). Ends with NULL. */
struct tables_large {
    void (*handle)(struct call *call);
    void (*instead)(struct call *call);
};
extern const struct tables_large tables_large[];

/* All of them but the server's; NULL at the end. */
extern const struct call_route *const tables_all[];

#endif
