//! Rows about the disk: 5–7.
