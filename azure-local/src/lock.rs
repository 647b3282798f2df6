//! Locks that a panic elsewhere does not poison: what they guard is whole after each statement.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks the mutex, whatever happened to those who held it before.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
