// A library that every Windows since 7 has and wine before 9 has not: the one function of it that Rust's standard library calls.
// By RtlGenRandom, whose name in advapi32 is SystemFunction036. For tests under wine alone.
#include <windows.h>

BOOLEAN WINAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T length) {
  return SystemFunction036(buffer, (ULONG)length);
}
