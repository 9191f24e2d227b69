-- Planned outages have roles of their own: who plans, and who decides about plans and exceptions.
alter table role_grant drop constraint role_grant_role;
alter table role_grant add constraint role_grant_role
    check (role in ('admin', 'dispatcher', 'agent', 'unit_desk', 'crew', 'planner', 'manager'));
