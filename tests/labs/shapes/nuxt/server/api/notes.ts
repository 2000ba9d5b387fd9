export default defineEventHandler(() => ['milk', 'bread'])
