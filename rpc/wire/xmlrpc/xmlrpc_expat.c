/*
 * One expat parser per thread.
 *
 * XML_ParserReset gives back and takes anew half a dozen small blocks per document. They come
 * from free lists here, one per power of two. expat hands its memory functions no context, so
 * the lists belong to the thread, as the parser does. What all of it holds is counted and
 * bounded: a start tag with a million attributes costs expat twenty times its bytes.
 */
#include "xmlrpc_expat.h"

#include "holder.h"
#include "xmlrpc_expat_calls.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum {
    SMALLEST_SHIFT = 6, /* blocks of 64 bytes, header and all */
    CLASSES = 11,       /* up to 64 KiB; larger ones go back to malloc */
    LARGE = CLASSES,
    KEEP = 512 * 1024, /* what a thread holds on to between documents */
};

struct block {
    _Alignas(max_align_t) struct block *next; /* while free */
    size_t size;                              /* header and all */
    unsigned class;
    _Alignas(max_align_t) uint8_t bytes[];
};

/* The parser's memory of this thread. */
static _Thread_local struct {
    struct block *free[CLASSES];
    size_t held;  /* handed out or on a free list */
    size_t taken; /* from the account, for what is held beyond KEEP */
    size_t max;
    struct duet_account *account;
} memory;

/* What a thread always may have costs nothing. */
static bool pay_for(size_t size)
{
    if (memory.held + size <= KEEP || memory.account == NULL)
        return true;
    if (!duet_account_take(memory.account, size, DUET_RANK_RUNNING))
        return false;
    memory.taken += size;
    return true;
}

static void pay_back(size_t size)
{
    if (size > memory.taken)
        size = memory.taken;
    if (size > 0)
        duet_account_give(memory.account, size);
    memory.taken -= size;
}

static struct block *new_block(size_t size, unsigned class)
{
    if (size > memory.max || memory.held > memory.max - size)
        return NULL;
    if (!pay_for(size))
        return NULL;
    struct block *block =
        class == LARGE ? duet_block_resize(NULL, NULL, 0, size) : malloc(size);
    if (block == NULL) {
        pay_back(size);
        return NULL;
    }
    block->size = size;
    block->class = class;
    memory.held += size;
    return block;
}

static void *take(size_t size)
{
    if (size > SIZE_MAX - sizeof(struct block))
        return NULL;
    size += sizeof(struct block);
    unsigned class = 0;
    while (class < CLASSES && size > (size_t)1 << (SMALLEST_SHIFT + class))
        class ++;
    if (class == LARGE) {
        struct block *large = new_block(size, LARGE);
        return large ? large->bytes : NULL;
    }

    struct block *block = memory.free[class];
    if (block != NULL)
        memory.free[class] = block->next;
    else
        block = new_block((size_t)1 << (SMALLEST_SHIFT + class), class);
    return block ? block->bytes : NULL;
}

static struct block *block_of(void *bytes)
{
    return DUET_HOLDER(bytes, struct block, bytes);
}

static void give(void *bytes)
{
    if (bytes == NULL)
        return;
    struct block *block = block_of(bytes);
    if (block->class == LARGE) {
        memory.held -= block->size;
        pay_back(block->size);
        duet_block_free(NULL, block, block->size);
        return;
    }
    block->next = memory.free[block->class];
    memory.free[block->class] = block;
}

static void *retake(void *bytes, size_t size)
{
    if (bytes == NULL)
        return take(size);
    size_t room = block_of(bytes)->size - sizeof(struct block);
    if (size <= room)
        return bytes;
    void *larger = take(size);
    if (larger == NULL)
        return NULL;
    memcpy(larger, bytes, room);
    give(bytes);
    return larger;
}

static void free_lists(void)
{
    for (unsigned i = 0; i < CLASSES; i++) {
        while (memory.free[i] != NULL) {
            struct block *block = memory.free[i];
            memory.free[i] = block->next;
            memory.held -= block->size;
            free(block);
        }
    }
}

/* Set once per process. expat would draw a salt for each document, which is a system call. */
static uint8_t salt[16];
static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void drop_parser(struct duet_xml_thread *thread)
{
    if (thread->parser != NULL)
        XML_ParserFree(thread->parser);
    thread->parser = NULL;
    free_lists();
}

static void end_thread(void *object)
{
    struct duet_xml_thread *thread = object;
    drop_parser(thread);
    duet_xml_build_done(&thread->build);
}

static void set_up_process(void)
{
    if (getrandom(salt, sizeof salt, GRND_NONBLOCK) != (ssize_t)sizeof salt) {
        struct timespec now; /* early in boot: better than nothing */
        clock_gettime(CLOCK_MONOTONIC, &now);
        uint64_t number = (uint64_t)now.tv_nsec ^ (uintptr_t)&now;
        memcpy(salt, &number, sizeof number);
        memcpy(salt + 8, &number, sizeof number);
    }
    pthread_key_create(&at_thread_end, end_thread);
}

struct duet_xml_thread *duet_xml_thread(void)
{
    static _Thread_local struct duet_xml_thread own;
    static _Thread_local bool known;
    if (!known) {
        pthread_once(&once, set_up_process);
        pthread_setspecific(at_thread_end, &own);
        known = true;
    }
    return &own;
}

XML_Parser duet_xml_parser_start(struct duet_xml_thread *thread, size_t max_bytes,
                                 struct duet_account *account)
{
    static const XML_Memory_Handling_Suite suite = {take, retake, give};
    memory.max = max_bytes;
    memory.account = account;
    if (thread->parser == NULL)
        thread->parser = XML_ParserCreate_MM(NULL, &suite, NULL);
    else if (thread->used)
        XML_ParserReset(thread->parser, NULL);
    if (thread->parser == NULL)
        return NULL;
    thread->used = true;
    duet_expat_salt(thread->parser, salt);
    return thread->parser;
}

void duet_xml_parser_rest(struct duet_xml_thread *thread)
{
    if (memory.held > KEEP)
        drop_parser(thread);
    pay_back(memory.taken);
    memory.account = NULL;
}
