//! Landing: pages become batches, batches become signed counts.
