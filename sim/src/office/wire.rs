//! The shapes of the dashboard's stream.

use serde_json::{Value, json};

use super::{
    options::EventStyle,
    record::{Employee, Office, OriginSource},
};

/// A bot as the dashboard has it; without a pod the fields of pods mean nothing.
pub(crate) fn bot(office: &str, employee: &Employee) -> Option<Value> {
    let bot = employee.bot.as_ref()?;
    let pod = bot.origin == OriginSource::Provisioned;
    Some(json!({
        "id": bot.id,
        "name": employee.name,
        "office_id": office,
        "employee_id": employee.id,
        "status": bot.status,
        "originSource": bot.origin,
        "pod_name": pod.then(|| format!("bot-{}", employee.name)),
        "ingress_url": pod.then(|| format!("https://{}.pods.office.test", employee.name)),
        "gatewayReady": pod,
        "podPhase": pod.then_some("Running"),
    }))
}

/// Every bot of an office.
pub(crate) fn bots(office: &Office) -> Vec<Value> {
    office.employees.iter().filter_map(|it| bot(&office.id, it)).collect()
}

/// One event as it goes out.
pub(crate) fn frame(style: EventStyle, name: &str, mut data: Value) -> Vec<u8> {
    let frame = match style {
        EventStyle::Named => format!("event: {name}\ndata: {data}\n\n"),
        EventStyle::InData => {
            data["type"] = json!(name);
            format!("data: {data}\n\n")
        }
    };
    frame.into_bytes()
}
