//! What a test has befall the platform: late chat, dead keys, failing joins, cut streams.

use super::{Sim, record::BotStatus, shape::Shape, stream::StreamFault};
use crate::armed::Turn;

impl Sim {
    /// Chat appears for an agent: it is registered and in the canonical group. False when nobody has that name.
    pub fn register_chat(&self, agent: &str) -> bool {
        self.with(|world| {
            let office = world.office_of(agent).map(|it| it.id.clone());
            office.map(|office| world.register(&office, agent)).is_some()
        })
    }

    /// Chat is lost for an agent: it is registered no more, and out of every group.
    pub fn lose_chat(&self, agent: &str) -> bool {
        self.with(|world| {
            let Some(office) = world.offices.iter_mut().find(|it| it.employee(agent).is_some()) else {
                return false;
            };
            office.employees.iter_mut().filter(|it| it.name == agent).for_each(|it| it.chat = false);
            office.groups.iter_mut().for_each(|it| it.members.retain(|name| name != agent));
            true
        })
    }

    /// A bot goes online, offline or wrong; false when there is none of that name.
    pub fn bot(&self, name: &str, status: BotStatus) -> bool {
        self.with(|world| {
            let mut changed = Vec::new();
            for office in &mut world.offices {
                for employee in office.employees.iter_mut().filter(|it| it.name == name) {
                    if let Some(bot) = &mut employee.bot {
                        bot.status = status;
                        changed.push((office.id.clone(), employee.clone()));
                    }
                }
            }
            for (office, employee) in &changed {
                world.tell_bot(office, employee);
            }
            !changed.is_empty()
        })
    }

    /// An agent's key is 401 from now on, and its streams end; false when it has none.
    pub fn revoke_key(&self, agent: &str) -> bool {
        self.with(|world| {
            let office = world.office_of(agent).map(|it| it.id.clone());
            office.is_some_and(|office| world.revoke(&office, agent))
        })
    }

    /// The next joins that are good fail after validation, with `server_error`.
    pub fn fail_joins(&self, joins: u32) {
        self.with(|world| world.failing_joins = joins);
    }

    /// Reads look so from now on.
    pub fn set_shape(&self, shape: Shape) {
        self.reconfigure(|options| options.shape = shape);
    }

    /// Arms a fault of the stream, at the next place where it can strike.
    pub fn stream_fault(&self, fault: StreamFault) {
        self.arm_stream(Turn::next(fault));
    }

    /// Arms a fault of the stream with its counts.
    pub fn arm_stream(&self, turn: Turn<StreamFault>) {
        self.with(|world| world.turns.push(turn));
    }

    /// Ends every stream with a broken chunk.
    pub fn cut_streams(&self) {
        self.with(|world| world.cut_streams(|_| true));
    }

    /// Disarms every fault.
    pub fn clear_faults(&self) {
        self.with(|world| {
            world.ledger.faults.clear();
            world.turns.clear();
            world.failing_joins = 0;
        });
    }
}
