#undef __WORDSIZE
#define __WORDSIZE 64
#include <signal.h>

#define ELF_NGREG 32
typedef unsigned long elf_greg_t, elf_gregset_t[ELF_NGREG];
typedef fpregset_t elf_fpregset_t;
