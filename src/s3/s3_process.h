/* The process of the S3 API: one loop, one HTTP server, the buckets' stores, a link to the
 * supervisor.
 *
 * Owns: all of these. Thread: the loop's, but for the stores' jobs. */
#ifndef ATOLL_S3_S3_PROCESS_H
#define ATOLL_S3_S3_PROCESS_H

struct s3_process_options {
    int link_fd;                /* socket pair to the supervisor */
    int listen_fd;              /* the listening socket */
    int pulse_fd;               /* the pulse (os/pulse.h) */
    const char *storage;        /* the directory of what tenants store */
    const char *domain;         /* of hosts <bucket>.<domain> */
    const char *sandbox_user;   /* enter the sandbox as this user; NULL: do not */
};

/* Runs until it is told to stop or the supervisor goes; what runs is finished. Returns the exit
 * status. */
int s3_process_main(const struct s3_process_options *options);

#endif
