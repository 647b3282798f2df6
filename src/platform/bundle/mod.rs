//! Platform bundles.
