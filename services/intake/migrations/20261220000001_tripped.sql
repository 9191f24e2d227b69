-- Devices that telemetry saw opening and nobody had asked for: they have tripped, so whoever is off below them is out by a fault and
-- not by switching. They are not among those that are opened.
alter table intake.switching add column tripped text[] not null default '{}';
