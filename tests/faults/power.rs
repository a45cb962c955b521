//! Rows about power: 2, 3.
