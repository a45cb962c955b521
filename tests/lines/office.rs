//! A platform that has nothing but histories, and shows the form of none of them: everything is told once, in order, at a
//! bounded price, and what cannot be read says how it looks.

#[path = "office/arrives.rs"]
mod arrives;
#[path = "office/attendance.rs"]
mod attendance;
#[path = "office/bench.rs"]
mod bench;
#[path = "office/chat.rs"]
mod chat;
#[path = "office/pace.rs"]
mod pace;
#[path = "office/reach.rs"]
mod reach;
#[path = "office/shapes.rs"]
mod shapes;
