/* Calls for what tenants store, for the files of the fleet; see fleet_store().
 *
 * Owns: calls on their way. Thread: the loop's. */
#ifndef ATOLL_CONTROL_FLEET_STORE_H
#define ATOLL_CONTROL_FLEET_STORE_H

#include "control/fleet_private.h"

void fleet_store_start(struct fleet *fleet, const struct platform_store *request,
                       void (*on_done)(void *arg, const struct platform_stored *stored), void *arg);
void fleet_store_on_stored(struct fleet_process *p, const json_t *frame, str blob);
void fleet_store_on_death(struct fleet_process *p, const char *how);
void fleet_store_end_all(struct fleet *fleet);

#endif
