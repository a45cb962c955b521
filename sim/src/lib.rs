//! Simulated platforms, written from the platforms' documents; shares no code with the bridge.
//!
//! ```text
//! serve        any router on loopback, with replies that can be lost
//! contract     the checked-in lists of what each platform promises
//! fault        what can go wrong with a request, on every platform
//! feed         the body of an event stream
//! platform     what a test holds of a platform; `gate` `log` `answer` `control`: how requests pass, on every platform
//! agentunited  one simulated platform: script, faults, routes, stream
//! speakeasy    another: grants, topics, an event log
//! agentworkspace  a third: documents edited together, calendars, e-mail
//! office       a fourth: a colony and its chat, read by polling
//! ```
//!
//! A simulator refuses what the real platform would refuse, so that a bridge that is too lenient
//! with itself is found out here. In process a test scripts it through its `Sim`; another
//! process does the same over HTTP under `/_sim/`.

use std::io;

pub mod agentunited;
pub mod agentworkspace;
mod answer;
mod armed;
pub mod contract;
mod control;
pub mod fault;
mod feed;
mod gate;
mod ids;
mod jwt;
pub mod log;
pub mod office;
pub mod platform;
mod post;
pub mod serve;
pub mod speakeasy;
mod upgrade;
pub mod wall;

/// Serves a simulated `agentunited` workspace on `127.0.0.1:port` (0 picks a free port) and returns
/// the workspace's script together with its listener. Prints nothing.
///
/// With [`agentunited::Options::auto`] a scripted person talks by itself until the listener stops.
///
/// # Errors
/// The port is taken, or may not be bound.
pub async fn run_agentunited(
    options: agentunited::Options,
    port: u16,
) -> io::Result<(agentunited::Sim, serve::Serving)> {
    let sim = agentunited::Sim::new(options);
    let serving = sim.serve(port).await?;
    Ok((sim, serving))
}

/// Serves a simulated `speakeasy` on `127.0.0.1:port` (0 picks a free port) and returns the platform's
/// script together with its listener. Prints nothing.
///
/// With [`speakeasy::Options::auto`] a person talks by itself until the listener stops.
///
/// # Errors
/// The port is taken, or may not be bound.
pub async fn run_speakeasy(options: speakeasy::Options, port: u16) -> io::Result<(speakeasy::Sim, serve::Serving)> {
    let sim = speakeasy::Sim::new(options);
    let serving = sim.serve(port).await?;
    Ok((sim, serving))
}

/// Serves a simulated `agentworkspace` on `127.0.0.1:port` (0 picks a free port) and returns the platform's
/// script together with its listener. Prints nothing.
///
/// # Errors
/// The port is taken, or may not be bound.
pub async fn run_agentworkspace(
    options: agentworkspace::Options,
    port: u16,
) -> io::Result<(agentworkspace::Sim, serve::Serving)> {
    let sim = agentworkspace::Sim::new(options);
    let serving = sim.serve(port).await?;
    Ok((sim, serving))
}

/// Serves a simulated `office` on `127.0.0.1:port` (0 picks a free port) and returns the platform's script together
/// with its listener. Prints nothing.
///
/// With [`office::Options::auto`] a person talks by itself until the listener stops.
///
/// # Errors
/// The port is taken, or may not be bound.
pub async fn run_office(options: office::Options, port: u16) -> io::Result<(office::Sim, serve::Serving)> {
    let sim = office::Sim::new(options);
    let serving = sim.serve(port).await?;
    Ok((sim, serving))
}
