// Counts the instructions that a program executes under QEMU's emulation of a processor. They are
// printed at its end; with the environment variable BLOCKS, the file of that name gets a line for each
// block of instructions instead: its address, its instructions, and how often it ran.
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

// Of QEMU's interface for plugins, what is used.
struct qemu_plugin_tb;
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t, void (*)(uint64_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int add, void *to, uint64_t n);
void qemu_plugin_register_atexit_cb(uint64_t, void (*)(uint64_t, void *), void *);
int qemu_plugin_version = 1;

struct block {
  uint64_t address, instructions, times;
  struct block *next;
};
static struct block *blocks;

static void translated(uint64_t id, struct qemu_plugin_tb *tb) {
  struct block *b = calloc(1, sizeof *b);
  if (!b) abort();
  b->address = qemu_plugin_tb_vaddr(tb);
  b->instructions = qemu_plugin_tb_n_insns(tb);
  b->next = blocks;
  blocks = b;
  qemu_plugin_register_vcpu_tb_exec_inline(tb, 0, &b->times, 1);
}

static void ended(uint64_t id, void *unused) {
  uint64_t all = 0;
  const char *path = getenv("BLOCKS");
  FILE *f = path ? fopen(path, "w") : NULL;
  for (struct block *b = blocks; b; b = b->next) {
    all += b->instructions * b->times;
    if (f && b->times) fprintf(f, "%" PRIx64 " %" PRIu64 " %" PRIu64 "\n", b->address, b->instructions, b->times);
  }
  if (f) fclose(f);
  if (!path) fprintf(stderr, "instructions %" PRIu64 "\n", all);
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv) {
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_atexit_cb(id, ended, NULL);
  return 0;
}
