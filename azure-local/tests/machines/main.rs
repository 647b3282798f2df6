//! Real machines. What runs them is in a module of that name everywhere, by which `scripts/test` tells it from other tests.

mod machines;
