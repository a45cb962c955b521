//! Simulated platforms, written from the platforms' documents; shares no code with the bridge.
