/* The list of tables; see tables.h. */
#include "api/tables.h"

#include "api/api_r2.h"

const struct call_route *const tables_all[] = {
    api_account_routes,
    api_audit_routes,
    api_deployment_routes,
    api_domain_routes,
    api_grant_routes,
    api_invoice_routes,
    api_limit_routes,
    api_log_routes,
    api_route_routes,
    api_schedule_routes,
    api_script_routes,
    api_secret_routes,
    api_service_routes,
    api_setting_routes,
    api_status_routes,
    api_backup_routes,
    api_subdomain_routes,
    api_tail_routes,
    api_token_routes,
    api_usage_routes,
    api_user_routes,
    api_version_routes,
    api_zone_routes,
    api_analytics_routes,
    api_kv_routes,
    api_kv_value_routes,
    api_d1_routes,
    api_r2_routes,
    api_r2_object_routes,
    api_r2_domain_routes,
    api_r2_cors_routes,
    api_purge_routes,
    api_parcel_routes,
    api_storage_routes,
    api_asset_routes,
    NULL,
};

const struct tables_large tables_large[] = {
    {api_r2_object_put, api_r2_object_put_large},
    {NULL, NULL},
};
