//! One story, killed at every failpoint.
