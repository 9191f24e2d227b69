-- Of a child incident (some still off after a restoration): where those who reported it are supplied, [{"lon", "lat"}]. A crew at any
-- of them is at the work (O28).
alter table incident add column supply_points jsonb not null default '[]'
    constraint incident_supply_points_list check (jsonb_typeof(supply_points) = 'array');
