/* Workers as the fleet knows them: who was told about which, where it belongs, and deployments on
 * their way. For the files of the fleet.
 *
 * Owns: what is known of workers. Thread: the loop's. Limits: those of fleet_guard.c for what a
 * process may ask for. */
#ifndef ATOLL_CONTROL_FLEET_WORKER_H
#define ATOLL_CONTROL_FLEET_WORKER_H

#include "control/fleet_private.h"

/* NULL when nothing is known of it. */
struct fleet_worker *fleet_worker_find(const struct fleet *fleet, const char *key);
struct fleet_worker *fleet_worker_numbered(const struct fleet *fleet, uint64_t number);

/* Finds or makes it. */
struct fleet_worker *fleet_worker_get(struct fleet *fleet, const char *key);

/* Forgets it when there is nothing to remember. */
void fleet_worker_tidy(struct fleet_worker *worker);

/* Forgets all of them: no process is left. */
void fleet_worker_forget_all(struct fleet *fleet);

/* From now on the process is given its deployments for calls by other workers, also where it does
 * not belong; not while it is in quarantine. */
void fleet_worker_lend(struct fleet_worker *worker, struct fleet_process *p);

/* Tells a process about a worker: what it serves, that it is elsewhere, or why nobody does. */
struct fleet_told *fleet_worker_tell(struct fleet_worker *worker, struct fleet_process *p,
                                     bool load);
struct fleet_told *fleet_worker_told(const struct fleet_worker *worker,
                                     const struct fleet_process *p);

/* The frame of its deployment, with blob; `failed` when it is too large; NULL: there is none.
 * What can be learnt from it is taken over. */
json_t *fleet_worker_frame(struct fleet_worker *worker, struct buf *blob);

/* Sends such a frame, or that it was deleted (NULL), to a process that serves it. */
void fleet_worker_send(struct fleet_told *told, const json_t *frame, str blob, bool load);

/* The process has forgotten it. */
void fleet_worker_untell(struct fleet_told *told);

/* A process that is to serve it next, told about it; NULL when there is none. */
struct fleet_process *fleet_worker_place(struct fleet_worker *worker);

/* Its lane changed: those who were told are told anew. */
void fleet_worker_moved(struct fleet_worker *worker, const char *reason);

/* Sets how many processes are to keep it. Those who need not any more are told with its next
 * deployment. */
void fleet_worker_keep(struct fleet_worker *worker, unsigned count);

/* Sees that kept workers are kept by as many processes as they should. */
void fleet_worker_keep_all(struct fleet *fleet);

/* Lets time pass for lanes and quarantines. */
void fleet_worker_age_all(struct fleet *fleet);

/* It brought this process down. */
void fleet_worker_blame(struct fleet_process *p, uint64_t number, const char *reason, bool sure);

/* ---- fleet_deploy.c ---- */

void fleet_deploy_start(struct fleet *fleet, const char *key, void (*on_done)(void *arg),
                        void *arg);
void fleet_deploy_on_live(struct fleet_process *p, const json_t *frame);
void fleet_deploy_on_refused(struct fleet_process *p, const json_t *frame);

/* The process will not answer any more for this worker. */
void fleet_deploy_forget(struct fleet_worker *worker, const struct fleet_process *p);

/* Ends those of a worker, or all of them. */
void fleet_deploy_end_all(struct fleet_worker *worker);

#endif
