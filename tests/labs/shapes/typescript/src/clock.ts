const tick = (at: Date): void => console.log(`tick ${at.toISOString()}`);
tick(new Date());
setInterval(() => tick(new Date()), 1000);
