/* The list of all commands; see commands.h. */
#include "cli/commands.h"

/* Each is at the end of the file of its name, words joined by "_", or of its first word's. */
extern const struct cli_command cmd_analytics_query;
extern const struct cli_command cmd_cache_purge;
extern const struct cli_command cmd_completion;
extern const struct cli_command cmd_completion_complete;
extern const struct cli_command cmd_cron_list;
extern const struct cli_command cmd_cron_trigger;
extern const struct cli_command cmd_d1_create;
extern const struct cli_command cmd_d1_delete;
extern const struct cli_command cmd_d1_execute;
extern const struct cli_command cmd_d1_export;
extern const struct cli_command cmd_d1_info;
extern const struct cli_command cmd_d1_list;
extern const struct cli_command cmd_d1_migrations_apply;
extern const struct cli_command cmd_d1_migrations_create;
extern const struct cli_command cmd_d1_migrations_list;
extern const struct cli_command cmd_delete;
extern const struct cli_command cmd_deploy;
extern const struct cli_command cmd_deployments;
extern const struct cli_command cmd_deployments_list;
extern const struct cli_command cmd_deployments_status;
extern const struct cli_command cmd_dev;
extern const struct cli_command cmd_doctor;
extern const struct cli_command cmd_init;
extern const struct cli_command cmd_kv_bulk_delete;
extern const struct cli_command cmd_kv_bulk_get;
extern const struct cli_command cmd_kv_bulk_put;
extern const struct cli_command cmd_kv_key_delete;
extern const struct cli_command cmd_kv_key_get;
extern const struct cli_command cmd_kv_key_list;
extern const struct cli_command cmd_kv_key_put;
extern const struct cli_command cmd_kv_namespace_create;
extern const struct cli_command cmd_kv_namespace_delete;
extern const struct cli_command cmd_kv_namespace_list;
extern const struct cli_command cmd_kv_namespace_rename;
extern const struct cli_command cmd_link;
extern const struct cli_command cmd_list;
extern const struct cli_command cmd_login;
extern const struct cli_command cmd_logout;
extern const struct cli_command cmd_logs;
extern const struct cli_command cmd_manual;
extern const struct cli_command cmd_open;
extern const struct cli_command cmd_profiles;
extern const struct cli_command cmd_pull;
extern const struct cli_command cmd_r2_bucket_create;
extern const struct cli_command cmd_r2_bucket_delete;
extern const struct cli_command cmd_r2_bucket_list;
extern const struct cli_command cmd_r2_cors_delete;
extern const struct cli_command cmd_r2_cors_list;
extern const struct cli_command cmd_r2_cors_set;
extern const struct cli_command cmd_r2_domain_add;
extern const struct cli_command cmd_r2_domain_dev_url_disable;
extern const struct cli_command cmd_r2_domain_dev_url_enable;
extern const struct cli_command cmd_r2_domain_dev_url_get;
extern const struct cli_command cmd_r2_domain_get;
extern const struct cli_command cmd_r2_domain_list;
extern const struct cli_command cmd_r2_domain_remove;
extern const struct cli_command cmd_r2_domain_update;
extern const struct cli_command cmd_r2_credentials;
extern const struct cli_command cmd_r2_object_delete;
extern const struct cli_command cmd_r2_object_get;
extern const struct cli_command cmd_r2_object_list;
extern const struct cli_command cmd_r2_object_put;
extern const struct cli_command cmd_rollback;
extern const struct cli_command cmd_routes;
extern const struct cli_command cmd_routes_add;
extern const struct cli_command cmd_routes_remove;
extern const struct cli_command cmd_runtime;
extern const struct cli_command cmd_s3;
extern const struct cli_command cmd_secret_bulk;
extern const struct cli_command cmd_secret_delete;
extern const struct cli_command cmd_secret_list;
extern const struct cli_command cmd_secret_put;
extern const struct cli_command cmd_serve;
extern const struct cli_command cmd_tail;
extern const struct cli_command cmd_types;
extern const struct cli_command cmd_usage;
extern const struct cli_command cmd_versions_deploy;
extern const struct cli_command cmd_versions_list;
extern const struct cli_command cmd_versions_upload;
extern const struct cli_command cmd_versions_view;
extern const struct cli_command cmd_whoami;

const struct cli_command *const commands_all[] = {
    /* a project */
    &cmd_init, &cmd_dev, &cmd_pull, &cmd_types, &cmd_link,
    /* its worker on a server */
    &cmd_deploy, &cmd_versions_list, &cmd_versions_view, &cmd_versions_upload,
    &cmd_versions_deploy, &cmd_deployments,
    &cmd_deployments_list, &cmd_deployments_status, &cmd_rollback, &cmd_tail, &cmd_logs,
    &cmd_secret_put, &cmd_secret_list, &cmd_secret_delete, &cmd_secret_bulk, &cmd_routes,
    &cmd_routes_add, &cmd_routes_remove, &cmd_cron_list, &cmd_cron_trigger, &cmd_list, &cmd_open,
    &cmd_delete,
    /* servers and accounts */
    &cmd_login, &cmd_logout, &cmd_whoami, &cmd_profiles,
    &cmd_usage,
    /* what is stored */
    &cmd_kv_namespace_create, &cmd_kv_namespace_list, &cmd_kv_namespace_rename,
    &cmd_kv_namespace_delete, &cmd_kv_key_put, &cmd_kv_key_get, &cmd_kv_key_list,
    &cmd_kv_key_delete, &cmd_kv_bulk_put, &cmd_kv_bulk_get, &cmd_kv_bulk_delete,
    &cmd_r2_bucket_create, &cmd_r2_bucket_list, &cmd_r2_bucket_delete,
    &cmd_r2_cors_set, &cmd_r2_cors_list, &cmd_r2_cors_delete,
    &cmd_r2_domain_dev_url_enable, &cmd_r2_domain_dev_url_disable, &cmd_r2_domain_dev_url_get,
    &cmd_r2_domain_add, &cmd_r2_domain_list, &cmd_r2_domain_get,
    &cmd_r2_domain_update, &cmd_r2_domain_remove, &cmd_cache_purge,
    &cmd_r2_object_put,
    &cmd_r2_credentials,
    &cmd_r2_object_get, &cmd_r2_object_list, &cmd_r2_object_delete,
    &cmd_analytics_query,
    &cmd_d1_create, &cmd_d1_list, &cmd_d1_info, &cmd_d1_execute, &cmd_d1_export, &cmd_d1_delete,
    &cmd_d1_migrations_create, &cmd_d1_migrations_list, &cmd_d1_migrations_apply,
    /* a server of your own */
    &cmd_serve,
    /* other */
    &cmd_doctor, &cmd_completion,
    /* not for people */
    &cmd_completion_complete, &cmd_manual, &cmd_runtime, &cmd_s3,
    NULL,
};

const struct commands_family commands_families[] = {
    {"cache", "what is kept of published buckets"},
    {"cron", "list and run a worker's cron triggers"},
    {"analytics", "data points that workers wrote: ask for them"},
    {"d1", "databases: make, fill, query, export and migrate them"},
    {"d1 migrations", "files of SQL that change a database, each once"},
    {"deployments", "what was live, and what is"},
    {"kv", "KV namespaces and what is in them"},
    {"kv bulk", "many keys of a KV namespace at once"},
    {"kv key", "the keys of a KV namespace, one by one"},
    {"kv namespace", "make, list, rename and delete KV namespaces"},
    {"r2", "R2 buckets and what is in them"},
    {"r2 bucket", "make, list, publish and delete R2 buckets"},
    {"r2 bucket cors", "pages of other origins: what they may do with a bucket"},
    {"r2 bucket dev-url", "publish a bucket at an address of the server's own"},
    {"r2 bucket domain", "publish a bucket at hosts of yours, with a cache in front"},
    {"r2 object", "put, get, list and delete objects of an R2 bucket"},
    {"routes", "where a worker answers"},
    {"secret", "set, list and delete a worker's secrets"},
    {"versions", "list, view, upload and deploy a worker's versions"},
    {0},
};
