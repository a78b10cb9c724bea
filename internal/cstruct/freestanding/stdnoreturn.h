/* C 7.23 */
#ifndef _CSTRUCTGEN_STDNORETURN_H
#define _CSTRUCTGEN_STDNORETURN_H
#define noreturn _Noreturn
#endif
