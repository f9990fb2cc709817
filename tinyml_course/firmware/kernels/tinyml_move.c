#include "tinyml_move.h"

#include <string.h>

/* The four inner axes. */
static void move_inner(const tinyml_box *box, const int8_t *in, int8_t *out) {
    const int32_t *from = box->from, *to = box->to;
    for (int32_t i = 0; i < box->extent[0]; i++)
        for (int32_t j = 0; j < box->extent[1]; j++)
            for (int32_t k = 0; k < box->extent[2]; k++) {
                const int8_t *x = in + i * from[0] + j * from[1] + k * from[2];
                int8_t *y = out + i * to[0] + j * to[1] + k * to[2];
                if (from[3] == 1 && to[3] == 1) {
                    memcpy(y, x, (size_t)box->extent[3]);
                    continue;
                }
                for (int32_t l = box->extent[3]; l > 0; l--, x += from[3], y += to[3]) *y = *x;
            }
}

static void move_box(const tinyml_box *box, const int8_t *in, int8_t *out) {
    for (int32_t i = 0; i < outer_indices(box->outer); i++) {
        const int8_t *from = in + box->from_start + outer_offset(box->outer, i, 0);
        move_inner(box, from, out + box->to_start + outer_offset(box->outer, i, 1));
    }
}

void tinyml_move(const tinyml_move_layer *layer, const int8_t *const *in, int8_t *out) {
    memset(out, layer->fill, (size_t)layer->filled_bytes);
    for (int32_t i = 0; i < layer->count; i++) move_box(&layer->boxes[i], in[i], out);
}

void tinyml_resize(const tinyml_resize_layer *layer, const int8_t *const *in, int8_t *out) {
    int32_t channels = layer->channels;
    for (int32_t y = 0; y < layer->out_height; y++)
        for (int32_t x = 0; x < layer->out_width; x++, out += channels) {
            int32_t pixel = layer->rows[y] * layer->width + layer->columns[x];
            memcpy(out, in[0] + pixel * channels, (size_t)channels);
        }
}
