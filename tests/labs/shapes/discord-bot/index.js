const { Client, Events, GatewayIntentBits } = require('discord.js');

const client = new Client({ intents: [GatewayIntentBits.Guilds], rest: { api: process.env.DISCORD_API } });
client.once(Events.ClientReady, ready => console.log(`Logged in as ${ready.user.username}`));
client.on(Events.InteractionCreate, interaction => interaction.isChatInputCommand() && interaction.reply('pong'));
client.login(process.env.DISCORD_TOKEN);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => client.destroy().finally(() => process.exit(0)));
