-- Switching has a seat of its own, and telemetry a machine that tells it.
alter table role_grant drop constraint role_grant_role;
alter table role_grant add constraint role_grant_role
    check (role in ('admin', 'dispatcher', 'agent', 'unit_desk', 'crew', 'planner', 'manager', 'control_room', 'scada'));
