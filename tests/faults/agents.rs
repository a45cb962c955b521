//! Rows about the local agent: 10–13.
