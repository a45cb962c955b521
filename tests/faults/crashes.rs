//! Rows about processes: 1, 4, 8, 9, 37–39.
