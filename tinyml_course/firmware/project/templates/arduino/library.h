/* The network for sketches. */
#ifndef @GUARD@
#define @GUARD@

#include "network.h"

#endif
