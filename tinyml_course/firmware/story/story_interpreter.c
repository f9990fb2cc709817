#include "story_interpreter.h"

#include "story_depthwise.h"

TINYML_OPERATOR void story_conv_node(const story_node *node) {
    story_conv(&node->layer, &node->record.maps);
}

TINYML_OPERATOR void story_depthwise_node(const story_node *node) {
    story_depthwise(&node->layer, &node->record.maps);
}

/* Copies a record into SRAM; gives where the next one goes. */
static int32_t *prepare(const story_record *record, story_node *node) {
    int32_t *words = (int32_t *)(void *)(node + 1);
    node->record = *record;
    if (!record->layer) return words;
    node->layer = *record->layer;
    uint32_t bytes = (uint32_t)node->layer.channels_out * sizeof *words;
    node->layer.multiplier = memcpy(words, record->layer->multiplier, bytes);
    node->layer.shift = memcpy(words + node->layer.channels_out, record->layer->shift, bytes);
    return words + 2 * node->layer.channels_out;
}

void story_interpret(const story_record *records, int32_t count, void *nodes) {
    int32_t *next = nodes;
    for (int32_t i = 0; i < count; i++) next = prepare(&records[i], (story_node *)(void *)next);
    next = nodes;
    for (int32_t i = 0; i < count; i++) {
        const story_node *node = (const story_node *)(void *)next;
        if (node->record.kind == STORY_CONV) story_conv_node(node);
        if (node->record.kind == STORY_DEPTHWISE) story_depthwise_node(node);
        if (node->record.kind == STORY_OTHER) node->record.other();
        int32_t words = node->record.layer ? 2 * node->layer.channels_out : 0;
        next = (int32_t *)(void *)(node + 1) + words;
    }
}
