"""Several workers on one port: started, measured together, started again when they die, replaced one by one."""
