//! `agent-bridge` holds an agent's seats in many workspaces.
