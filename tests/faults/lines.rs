//! Rows about what a platform's line does: 14–22.
