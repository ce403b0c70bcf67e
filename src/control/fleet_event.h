/* Events of workers, for the files of the fleet; see fleet_event().
 *
 * Owns: events on their way. Thread: the loop's. */
#ifndef ATOLL_CONTROL_FLEET_EVENT_H
#define ATOLL_CONTROL_FLEET_EVENT_H

#include "control/fleet_private.h"

void fleet_event_start(struct fleet *fleet, const char *key, json_t *event,
                       void (*on_done)(void *arg, const json_t *done), void *arg);
void fleet_event_on_done(struct fleet_process *p, const json_t *frame);
void fleet_event_on_death(struct fleet_process *p, const char *how);
void fleet_event_end_all(struct fleet *fleet);

#endif
