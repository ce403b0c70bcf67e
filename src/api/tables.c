/* The list of tables; see tables.h. */
#include "api/tables.h"

const struct call_route *const tables_all[] = {
    api_account_routes,
    api_audit_routes,
    api_deployment_routes,
    api_domain_routes,
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
    NULL,
};
