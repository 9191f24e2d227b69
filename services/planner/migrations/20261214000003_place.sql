-- Every zone of somebody affected, for whoever counts dates, and the feeders of what opens, for whoever compares plans: as the
-- registry says them, not as somebody typed a line. Plans made before have neither until their set is taken again.
alter table outage
    add column zones text[] not null default '{}',
    add column feeders text[] not null default '{}';

-- Whom a safety switch-off concerns, so that it is said when somebody has no proof of being told; 0: nobody, or not known.
alter table safety_switch_off add column customers integer not null default 0;
