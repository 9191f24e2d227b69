-- Circuits on one pole with neutrals of their own number their conductors beyond 9: those are written in brackets.
alter table registry.service_point drop constraint service_point_phases_digits;
alter table registry.service_point add constraint service_point_phases_digits
    check (phases ~ '^([1-9]|\([1-6][0-9]\)){1,21}$');
