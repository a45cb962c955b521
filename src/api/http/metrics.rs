//! `/metrics` in the OpenMetrics text format: numbers only, labelled by names the operator chose.

use std::sync::atomic::AtomicU64;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Doors;
use crate::api::bridge::Bridge;
use crate::api::problem::Problem;
use crate::store::Health;

type Number = Gauge<u64, AtomicU64>;
type Labels = Vec<(&'static str, String)>;
type Numbers = Family<Labels, Number>;

/// `GET /metrics`.
pub async fn scrape(State(doors): State<Doors>) -> Result<Response, Problem> {
    let mut registry = Registry::with_prefix("agent_bridge");
    feed(&doors.bridge, &mut registry)?;
    workspaces(&doors.bridge, &mut registry)?;
    consumers(&doors.bridge, &mut registry).await?;
    let help = "Deliveries of platforms since the start, by what became of them";
    registry.register("ingress_deliveries", help, doors.deliveries.counters());
    let mut text = String::new();
    encode(&mut text, &registry).map_err(|error| Problem::new("internal", error.to_string()))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

fn number(registry: &mut Registry, name: &str, help: &str, value: u64) {
    let gauge = Number::default();
    gauge.set(value);
    registry.register(name, help, gauge);
}

fn feed(bridge: &Bridge, registry: &mut Registry) -> Result<(), Problem> {
    let store = bridge.store();
    let (bytes, budget) = store.size();
    number(registry, "store_bytes", "Bytes stored", bytes);
    number(registry, "store_budget_bytes", "Bytes at which intake pauses", budget);
    let full = *store.health().borrow() == Health::Full;
    number(registry, "store_full", "1 while intake is paused at the budget", full.into());
    if let Some((_, dropped)) = bridge.readers().room() {
        number(
            registry,
            "feed_dropped",
            "Events forgotten before their time since the start, for want of room",
            dropped,
        );
    }
    number(registry, "feed_head", "The newest sequence of the feed", *store.head().borrow());
    number(registry, "feed_oldest", "The oldest sequence still kept", store.oldest()?);
    Ok(())
}

fn workspaces(bridge: &Bridge, registry: &mut Registry) -> Result<(), Problem> {
    let (seats, outbox) = (Numbers::default(), Numbers::default());
    for record in bridge.store().workspaces()? {
        let seat =
            serde_json::to_value(&record.seat).ok().and_then(|seat| Some(seat.get("seat")?.as_str()?.to_owned()));
        let name = ("workspace", record.name.as_str().to_owned());
        seats.get_or_create(&vec![name.clone(), ("seat", seat.unwrap_or_default())]).set(1);
        outbox.get_or_create(&vec![name]).set(bridge.store().outbox(&record.name)?.len() as u64);
    }
    registry.register("workspace_seat", "1 for the seat that a workspace has", seats);
    registry.register("outbox_actions", "Actions that are not settled yet", outbox);
    Ok(())
}

async fn consumers(bridge: &Bridge, registry: &mut Registry) -> Result<(), Problem> {
    let families: [(&str, &str, Numbers); 5] = [
        ("consumer_lag", "Events not settled yet", Numbers::default()),
        ("consumer_in_flight", "Events out now", Numbers::default()),
        ("consumer_waiting", "Events that failed and will come again", Numbers::default()),
        ("consumer_dead", "Dead letters", Numbers::default()),
        ("consumer_connected", "1 while somebody reads", Numbers::default()),
    ];
    for consumer in bridge.store().consumers()? {
        let Some(status) = bridge.readers().status(&consumer.name).await else { continue };
        let values = [status.lag, status.in_flight, status.waiting, status.dead, status.connected.into()];
        for ((_, _, family), value) in families.iter().zip(values) {
            family.get_or_create(&vec![("consumer", consumer.name.clone())]).set(value);
        }
    }
    for (name, help, family) in families {
        registry.register(name, help, family);
    }
    Ok(())
}
