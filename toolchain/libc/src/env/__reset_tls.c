#include <string.h>
#include "pthread_impl.h"

extern weak hidden const char __start_tptls[], __stop_tptls[];

void __reset_tls()
{
	memcpy((char *)__pthread_self() + TP_TLS_OFFSET, __start_tptls, __stop_tptls - __start_tptls);
}
