/* What the runtimes count, brought together: usage into the registry, counters, gauges and
 * histograms for Prometheus.
 *
 * Frames `usage` are added up and committed once a second, so that kill -9 of the supervisor loses
 * the last second at most. What cannot be committed (a full disk) waits for the next second.
 * Owns: counters, the timer. Thread: the loop's. Limits: COLLECTOR_SERIES_MAX workers have metrics
 * of their own, those that came first; the others share the label COLLECTOR_REST.
 * COLLECTOR_PENDING_MAX workers wait for a commit; of further ones the metrics alone are kept. */
#ifndef ATOLL_CONTROL_COLLECTOR_H
#define ATOLL_CONTROL_COLLECTOR_H

#include <uv.h>

#include "base/buf.h"
#include "registry/registry.h"

enum { COLLECTOR_SERIES_MAX = 200, COLLECTOR_PENDING_MAX = 200000, COLLECTOR_COMMIT_MS = 1000 };

#define COLLECTOR_REST "(others)"

struct collector;

/* `on_trouble` is told when a commit fails, and when it works again (NULL). Returned owned. */
struct collector *collector_start(uv_loop_t *loop, struct registry *registry,
                                  void (*on_trouble)(void *context, const char *text),
                                  void *context);

/* A frame `usage` of a process (a number), and the process's end: its gauges go. */
void collector_add(struct collector *collector, int process, const json_t *frame);
void collector_forget(struct collector *collector, int process);

/* Appends Prometheus text (exposition format 0.0.4) of all that was counted since the start;
 * `status` is fleet_status()'s. What does not fit in `out` is left out, family by family. */
void collector_metrics(const struct collector *collector, const json_t *status, struct buf *out);

/* Commits what is left. Its memory is gone when the loop has run once more; NULL is fine. */
void collector_stop(struct collector *collector);

#endif
