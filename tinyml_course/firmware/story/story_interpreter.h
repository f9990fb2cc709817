/* The beginning of the story: an interpreter. One function for all layers of a kind reads what it
   does from records; a preparation puts the records and what requantization needs into SRAM, where
   interpreters keep them because they read the network from a file. */
#ifndef STORY_INTERPRETER_H
#define STORY_INTERPRETER_H

#include "story.h"

typedef enum { STORY_CONV, STORY_DEPTHWISE, STORY_OTHER } story_kind;

typedef struct {
    story_kind kind;
    const story_layer *layer;
    story_maps maps;
    void (*other)(void); /* an operator that the steps leave as it is */
} story_record;

/* What preparation makes of a record, with two words for each output channel behind it. */
typedef struct {
    story_record record;
    story_layer layer;
} story_node;

/* The functions that count as operators. */
void story_conv_node(const story_node *node);
void story_depthwise_node(const story_node *node);

/* `nodes` has room for all of them. */
void story_interpret(const story_record *records, int32_t count, void *nodes);

#endif
