/*
 * A temporary folder for one test, as a cmocka fixture: it goes with the test, also when that
 * fails.
 */
#ifndef DUET_TESTS_FOLDER_H
#define DUET_TESTS_FOLDER_H

/* Of the test that runs. */
extern char folder[32];      /* "/tmp/duet-Ab3xYz" */
extern char folder_socket[]; /* "unix:/tmp/duet-Ab3xYz/s" */

/* The path of that. */
extern const char *const folder_socket_path;

int folder_make(void **state);

/* With the files in it. */
int folder_remove(void **state);

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)

#endif
