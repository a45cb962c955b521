//! The attack table: each line a test.
