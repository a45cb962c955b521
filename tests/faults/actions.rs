//! Rows about actions and credentials: 29–36 as far as the platforms reach.
