-- A meter that was cut by mistake has to be found among a million at once.
create index service_point_by_meter_no on service_point (meter_no) where meter_no <> '';
