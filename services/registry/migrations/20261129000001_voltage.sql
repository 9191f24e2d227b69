-- At which voltage a service point is supplied: how often a customer may be off for planned work depends on it (domain.md
-- 5.2). Nominal, volts; null where no pack says.
alter table service_point add column voltage_v integer
    constraint service_point_voltage_range check (voltage_v between 100 and 1200000);
